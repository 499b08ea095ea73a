#include "shop.hpp"
#include <vector>
using namespace std;
using money::convert;

namespace shop {

const int limit = 20;

// A basket of things.
template <typename T>
class Basket : public Container<T>, private money::Purse {
public:
    Basket(int owner) : Container<T>(owner) {}
    ~Basket() = default;
    void add(const T &item);
    int size() const { return items.size(); }
    bool operator==(const Basket &other) const { return size() == other.size(); }

private:
    std::vector<T> items;
};

struct Line { int amount; };
enum class Side { Debit, Credit };
using Amounts = std::vector<int>;

template <typename T>
void Basket<T>::add(const T &item) {
    if (this->size() >= limit) throw Full(limit);
    items.push_back(convert(item));
}

int total(const Basket<Line> &basket) { return basket.size(); }

}  // namespace shop

int shop::Counter::next() { return ++count_; }
