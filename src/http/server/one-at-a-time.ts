import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { type ClientLimits, defaultLimits } from '../limits/client-limits.ts'

/**
 * Begins a pipelined request only after the previous answer has ended (RFC 9112 §9.3.2 allows
 * that). Node emits all received requests at once: the store would be read for twenty downloads
 * while the client takes one, and a waiting answer would not notice the end of its connection
 * (test/faults/clients/clients.test.ts).
 */
export function oneAtATime(limits: ClientLimits = defaultLimits): RequestHandler {
  const waiting = new WeakMap<Socket, (() => void)[]>()
  return (req, res, next) => {
    const { socket } = req
    const begin = () => {
      res.once('close', () => {
        const following = waiting.get(socket)?.shift()
        if (following === undefined) waiting.delete(socket)
        else if (!socket.destroyed) {
          // Removes the timeout that the previous answer may have set.
          socket.setTimeout(0)
          following()
        }
      })
      next()
    }
    const queue = waiting.get(socket)
    if (queue === undefined) {
      waiting.set(socket, [])
      begin()
    } else if (queue.length < limits.pipelined) queue.push(begin)
    else socket.destroy()
  }
}
