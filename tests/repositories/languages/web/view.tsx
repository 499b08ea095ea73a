import { format } from "./money";

type Props = { money: Money };

// Shows an amount.
export function Price({ money }: Props) {
  return <Label text={format(money)} onClick={() => select(money)} />;
}

export const Total = ({ money }: Props) => <Price money={money} />;
