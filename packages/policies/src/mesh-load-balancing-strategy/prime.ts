// Prime numbers: Maglev's table must have the size of one.

/** True for a prime number. */
export function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}

/** The largest size that Envoy takes; a prime number. */
const largest = 5_000_011;

/** The smallest prime number that is not below a size; the size itself where it is none that Envoy could take. */
export function nextPrime(size: number): number {
  if (!(size >= 1 && size <= largest)) return size;
  let candidate = size;
  while (!isPrime(candidate)) candidate++;
  return candidate;
}
