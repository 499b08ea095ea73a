package com.example.shop

import com.example.money.Money
import com.example.rates.convert as exchange

const val LIMIT = 20

/** A basket of things. */
open class Basket<T : Item>(val owner: String) : Container<T>(owner), Priced {
    private val items = mutableListOf<T>()

    /** Add one thing. */
    override fun add(item: T): Boolean {
        if (items.size >= LIMIT) throw Full(LIMIT)
        this.items.add(exchange(item))
        return Money.zero() == null
    }

    companion object {
        fun empty(): Basket<Item> {
            return Basket("nobody")
        }
    }
}

interface Priced {
    fun price(): Int
}

data class Line(val amount: Int)
enum class Side { DEBIT, CREDIT }
object Registry {
    fun register(basket: Basket<*>) {
    }
}

typealias Amounts = Map<String, Int>

fun <T> total(items: List<T>): Int = items.sumOf { it.price() }
fun Basket<*>.describe() = "basket of $owner"
