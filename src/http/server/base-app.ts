import express, { type Express } from 'express'
import { Problem } from '../../util/errors.ts'
import type { Services } from '../services.ts'
import { errorHandler } from './error-handler.ts'

/** An app whose answers have these headers, and none that express adds. */
export function newApp(headers: Readonly<Record<string, string>>): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use((_req, res, next) => {
    res.set(headers)
    next()
  })
  return app
}

/** Ends an app: other paths are Problem `not-found`, with `hint`, and errors become answers. */
export function endApp(app: Express, parts: Pick<Services, 'log' | 'metrics'>, hint = ''): Express {
  app.use((req) => {
    throw new Problem('not-found', `There is nothing at ${req.path}${hint}`)
  })
  app.use(errorHandler(parts))
  return app
}
