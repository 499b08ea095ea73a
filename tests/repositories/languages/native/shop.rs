use std::collections::HashMap;
use crate::money::{Money, convert as exchange};

/// The most items a basket holds.
pub const LIMIT: usize = 20;
static COUNT: usize = 0;

/// A basket of things.
#[derive(Debug)]
pub struct Basket<T> {
    items: Vec<T>,
}

pub enum Side { Debit, Credit }

pub trait Priced: Clone {
    fn price(&self) -> Money;
    fn dear(&self) -> bool { self.price().amount > 100 }
}

impl<T: Priced> Basket<T> {
    /// Add one thing.
    pub fn add(&mut self, item: T) -> Result<(), Full> {
        if self.items.len() >= LIMIT { return Err(Full::new(LIMIT)); }
        self.items.push(exchange(item));
        Ok(())
    }
}

impl Priced for Side {
    fn price(&self) -> Money { Money::zero() }
}

mod inner {
    pub type Amounts = super::HashMap<String, u32>;
    pub fn helper() {}
}

macro_rules! total {
    ($($x:expr),*) => { 0 $(+ $x)* };
}

union Raw { a: u32, b: f32 }
