package shop;

public final class Basket {
    private int total;

    public void add(int price, int count) {
        total += price + count;
    }

    public int total() {
        return total;
    }
}
