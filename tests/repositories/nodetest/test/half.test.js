import assert from 'node:assert';
import test, { describe, it } from 'node:test';
import { half } from '../half.js';

test('even', () => assert.equal(half(4), 2));
describe('odd', () => {
  it('is not rounded', () => assert.equal(half(3), 1.5));
});
