/** For what takes an async iterable alone. */
export async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items
}
