using System;
using Money = Example.Accounts.Money;
using static Example.Rates;

namespace Example.Shop
{
    /// <summary>A basket of things.</summary>
    public class Basket<T> : Container<T>, IPriced where T : Item
    {
        public const int Limit = 20;
        private readonly List<T> items = new List<T>();

        public Basket(string owner) : base(owner) { }

        /// <summary>Add one thing.</summary>
        public void Add(T item)
        {
            if (items.Count >= Limit) throw new FullException(Limit);
            this.items.Add(Convert(item));
        }

        public int Size => items.Count;

        public delegate void Changed(object sender);
    }

    public interface IPriced { decimal Price(); }
    public struct Line { public int Amount; }
    public record Entry(string Text, int Amount);
    public enum Side { Debit, Credit }
}
