import type { Server } from 'node:http'
import type { Clock } from '../../src/util/clock.ts'
import type { Log } from '../../src/util/log.ts'

const pauseMilliseconds = 1000

/**
 * Opens the port, and tries again for ever if it is taken: a worker may have bound it while no
 * uploader ran, but its results matter more. SIGTERM and the stop object still reach the uploader.
 * Returns the function that ends the tries.
 */
export function listenPersistently(server: Server, port: number, log: Log, clock: Clock): () => void {
  let cancel = () => {}
  let isTaken = false
  server.on('error', (error) => {
    if (!isTaken) {
      const message = `Port ${port} can't be opened (${error.message}): another program of the pod may hold it; another UPLOADER_PORT avoids a clash`
      log.error(
        { reason: 'Error', message },
        'the port for the stop request could not be opened; it is tried again',
      )
    }
    isTaken = true
    cancel = clock.setTimeout(() => server.listen(port), pauseMilliseconds)
  })
  server.on('listening', () => {
    if (isTaken) log.info({ port }, 'the endpoint is open again')
    isTaken = false
  })
  server.listen(port)
  return () => cancel()
}
