const factors: Readonly<Record<string, number>> = {
  ...Object.fromEntries(['k', 'M', 'G', 'T', 'P', 'E'].map((suffix, index) => [suffix, 1000 ** (index + 1)])),
  ...Object.fromEntries(
    ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, 1024 ** (index + 1)]),
  ),
}
const divisors: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1000 }

/**
 * The value of a Kubernetes quantity: 0.5 for `500m`, 1024 for `1Ki`. NaN for a text that is none.
 */
export function quantityValue(text: string): number {
  const [, number, suffix = ''] =
    /^(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/.exec(text) ?? []
  if (number === undefined) return Number.NaN
  // A division is rounded once: 700 / 1000 is 0.7, 700 * 0.001 is more.
  if (suffix in divisors) return Number(number) / (divisors[suffix] ?? 1)
  if (suffix in factors) return Number(number) * (factors[suffix] ?? 1)
  return Number(`${number}${suffix}`)
}
