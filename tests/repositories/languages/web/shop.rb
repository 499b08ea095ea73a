require "json"
require_relative "money"

# Things to buy.
module Shop
  LIMIT = 20

  # A basket of things.
  class Basket < Money::Container
    include Comparable
    attr_reader :items

    def initialize(owner)
      super(owner)
      @items = []
    end

    # Add one thing.
    def add(item)
      raise Full, "full" if @items.size >= LIMIT
      @items << convert(item)
      self.class.count!
    end

    def self.count!
      @count = (@count || 0) + 1
    end
  end
end

def total(basket)
  basket.items.sum(&:price)
end
