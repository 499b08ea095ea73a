exports.total = (prices) => {
  var sum = 0;
  for (const price of prices.slice(1)) sum += price;
  return sum;
};
