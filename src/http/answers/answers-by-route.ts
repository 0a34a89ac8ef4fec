import type * as z from 'zod'
import { bulkAnswer } from './bulk-answer.ts'
import { callbacksAnswer, redeliverAnswer } from './callback-answers.ts'
import {
  flowMessage,
  flowStatusAnswer,
  provisionAnswer,
  publicKeysAnswer,
  tokenAnswer,
  tokenErrorAnswer,
} from './data-space-answers.ts'
import { environmentAnswer, environmentListAnswer } from './environment-answers.ts'
import { healthAnswer, liveAnswer, readyAnswer } from './health-answers.ts'
import { deployAnswer, jobAnswer, jobListAnswer } from './job-answers.ts'
import { limitsAnswer } from './limits-answer.ts'
import { resultListAnswer } from './result-answers.ts'

/** Schemas of a route's JSON answers by status. */
export type JsonAnswers = Readonly<Record<number, z.ZodType>>

/**
 * Schemas of all JSON answers (`application/json`), by method and Express path. Each route may also
 * answer with problemAnswer (`application/problem+json`).
 */
export const answersByRoute: Readonly<Record<string, JsonAnswers>> = {
  'GET /job/deploy': { 200: deployAnswer },
  'POST /job/deploy': { 201: deployAnswer },
  'GET /job': { 200: jobListAnswer },
  'DELETE /job': { 200: bulkAnswer, 207: bulkAnswer },
  'POST /job/cancel': { 200: bulkAnswer, 207: bulkAnswer },
  'GET /job/:id': { 200: jobAnswer },
  'POST /job/:id/cancel': { 200: jobAnswer, 202: jobAnswer },
  'GET /job/:id/result/list': { 200: resultListAnswer },
  'GET /job/:id/callbacks': { 200: callbacksAnswer },
  'POST /job/:id/callbacks/redeliver': { 202: redeliverAnswer },
  'GET /limits': { 200: limitsAnswer },
  'GET /demo': { 202: jobAnswer },
  'GET /resource/env': { 200: environmentListAnswer },
  'POST /resource/env': { 201: environmentAnswer },
  'GET /health/live': { 200: liveAnswer },
  'GET /health/ready': { 200: readyAnswer, 503: readyAnswer },
  'GET /health': { 200: healthAnswer, 503: healthAnswer },
  'POST /provision': { 200: provisionAnswer },
  'POST /dataflows/start': { 200: flowMessage, 202: flowMessage },
  'POST /dataflows/prepare': { 200: flowMessage, 202: flowMessage },
  'POST /dataflows/:id/:message': { 200: flowMessage },
  'GET /dataflows/:id/status': { 200: flowStatusAnswer },
  'POST /token': { 200: tokenAnswer, 400: tokenErrorAnswer, 401: tokenErrorAnswer, 503: tokenErrorAnswer },
  'GET /.well-known/jwks.json': { 200: publicKeysAnswer },
}
