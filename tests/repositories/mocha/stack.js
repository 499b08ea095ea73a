module.exports = class Stack {
  constructor() { this.items = []; }
  push(item) { this.items.push(item); return this; }
  pop() { return this.items.shift(); }
};
