export function spoken(hour: number): string {
  return `${hour % 12} o'clock`;
}
