import type { Task } from './fetch-file.ts'

/** Runs tasks, `parallel` at once; after the first failure none begins. Rejects with that one. */
export async function runTasks(
  tasks: AsyncGenerator<Task>,
  parallel: number,
  abort: AbortController,
): Promise<void> {
  const worker = async () => {
    try {
      for (;;) {
        abort.signal.throwIfAborted()
        const { done, value } = await tasks.next()
        if (done) return
        await value()
      }
    } catch (error) {
      abort.abort(error)
      throw error
    }
  }
  const results = await Promise.allSettled(Array.from({ length: parallel }, worker))
  const failure = results.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw abort.signal.reason ?? failure.reason
}
