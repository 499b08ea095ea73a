const { total } = require('../total');

describe('total', () => {
  test('of nothing', () => expect(total([])).toBe(0));
  test('of two + tax', () => expect(total([2, 3])).toBe(5));
});
