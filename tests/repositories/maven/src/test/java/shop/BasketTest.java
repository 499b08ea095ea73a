package shop;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class BasketTest {
    @Test
    public void empty() {
        assertEquals(0, new Basket().total());
    }

    @Test
    public void several() {
        Basket basket = new Basket();
        basket.add(3, 4);
        assertEquals(12, basket.total());
    }
}
