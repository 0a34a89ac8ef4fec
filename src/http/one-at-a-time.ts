import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { defaultLimits, type Limits } from './limits.ts'

/**
 * Begins with a pipelined request only once the answer before it is done (RFC 9112 §9.3.2 leaves that to the server).
 * Node hands out all that have come: twenty downloads would be read from the store for a client that takes one, and
 * an answer that waits for its turn is not told that the connection has gone (tried: it was never let go).
 */
export function oneAtATime(limits: Limits = defaultLimits): RequestHandler {
  const waiting = new WeakMap<Socket, (() => void)[]>()
  return (req, res, next) => {
    const { socket } = req
    const begin = () => {
      res.once('close', () => {
        const following = waiting.get(socket)?.shift()
        if (following === undefined) waiting.delete(socket)
        else if (!socket.destroyed) {
          // What the answer before was held to.
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
