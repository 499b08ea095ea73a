export const half = (number) => Math.floor(number / 2);
