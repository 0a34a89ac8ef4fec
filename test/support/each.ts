/** Makes an async iterable of an iterable, for functions that accept only the former. */
export async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void> {
  yield* items
}
