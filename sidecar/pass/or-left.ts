/**
 * What a promise gives, or undefined once `left` is aborted. Not Promise.race(): a promise that stays open for a whole
 * scan would keep what each of a million races came to.
 */
export function orLeft<T>(promise: Promise<T>, left: AbortSignal): Promise<T | undefined> {
  if (left.aborted) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const leave = () => resolve(undefined)
    left.addEventListener('abort', leave, { once: true })
    const end = () => left.removeEventListener('abort', leave)
    promise.then(
      (value) => {
        end()
        resolve(value)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}
