import type { Currency } from "./currency";
export * from "./round";

/** An amount in one currency. */
export interface Money extends Comparable<Money> {
  readonly amount: number;
  plus(other: Money): Money;
}

export type Amounts = Record<string, Money>;

export enum Side {
  Debit,
  Credit,
}

export namespace ledger {
  export function post(money: Money): void {}
}

export abstract class Account<T extends Money> extends Base<T> implements Money {
  private entries: T[] = [];
  static count = 0;

  abstract close(): void;

  plus(other: T): T {
    return convert(other, this.currency);
  }
}

export function format(money: Money): string {
  return `${money.amount}`;
}

export function format2<T>(this: T, rate = 1): T;
