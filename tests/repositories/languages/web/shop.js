import base, { format as show } from "./money.js";
import * as log from './log';
const { round } = require("./round");

/** The most items a basket holds. */
export const LIMIT = 20;

/** A basket of things. */
export class Basket extends base.Container {
  static kind = "basket";

  constructor(owner) {
    super(owner);
    this.items = [];
  }

  /** Add one thing. */
  add(item) {
    if (this.items.length >= LIMIT) throw new Error("full");
    this.items.push(item);
    return total(this.items);
  }

  get size() {
    return this.items.length;
  }
}

export function total(items) {
  return round(items.reduce((sum, item) => sum + item.price, 0));
}

export const shown = (items) => show(total(items));

exports.print = function (basket) {
  log.write(shown(basket.items));
};
