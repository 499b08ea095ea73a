package com.example.shop;

import com.example.money.Money;
import static com.example.money.Rates.convert;
import java.util.*;

/** A basket of things. */
public class Shop<T extends Item> extends Container<T> implements Priced, Closeable {
    public static final int LIMIT = 20;
    private List<T> items = new ArrayList<>();

    /** Make an empty one. */
    public Shop(String owner) {
        super(owner);
    }

    /** Add one thing. */
    @Override
    public void add(T item) throws Full {
        if (items.size() >= LIMIT) throw new Full(LIMIT);
        this.items.add(convert(item));
        Money.zero();
    }

    enum Side { DEBIT, CREDIT; boolean left() { return this == DEBIT; } }

    interface Visitor { void visit(Shop<?> shop); }

    record Line(String text, int amount) { int twice() { return amount * 2; } }

    @interface Tested { String value(); }
}
