import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface PortForward {
  readonly url: string
  stop(): Promise<void>
}

/** Forwards a free local port to a port of a Service or Pod, until stop(). */
export async function portForward(namespace: string, target: string, port: number): Promise<PortForward> {
  const child = spawn('kubectl', ['-n', namespace, 'port-forward', target, `:${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    const [, local] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? []
    if (local === undefined) continue
    child.stdout.resume()
    return {
      url: `http://127.0.0.1:${local}`,
      stop: async () => {
        child.kill()
        await ended
      },
    }
  }
  throw new Error(`kubectl port-forward ${target} ended with ${String((await ended)[0])}`)
}
