const assert = require('node:assert');
const Stack = require('../stack');

describe('Stack', function () {
  it('gives back one', function () { assert.strictEqual(new Stack().push(1).pop(), 1); });
  it('gives back the last first', function () { assert.strictEqual(new Stack().push(1).push(2).pop(), 2); });
  it.skip('is never full', function () {});
});
