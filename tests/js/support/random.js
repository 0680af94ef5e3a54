// Chance that can be repeated: the same seed gives the same numbers.

export function randomOf(seed) {
  let state = BigInt.asUintN(64, BigInt(seed) * 0x9e3779b97f4a7c15n);

  /** SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
  function next() {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  }

  const below = (n) => Math.floor(next() * n);
  const pick = (items) => items[below(items.length)];
  return {
    below,
    pick,
    chance: (p) => next() < p,
    /** Up to `n` different ones of them, at least one. */
    several: (n, items) => [...new Set(Array.from({ length: 1 + below(n) }, () => pick(items)))],
  };
}
