import { describe, expect, it } from 'vitest';
import { spoken } from './words';

describe('spoken', () => {
  it('says the hour', () => {
    expect(spoken(3)).toBe("3 o'clock");
  });
  it('knows noon (12)', () => {
    expect(spoken(12)).toBe("12 o'clock");
  });
  it.skip('knows midnight', () => {});
});
