import { isObject } from '../../util/objects.ts'
import { longestMessage } from './word-folder.ts'

export interface WorkerProgress {
  percent?: number
  message?: string
}

const right = 'right is {"percent": 40, "message": "epoch 4 of 10"}'

/**
 * The content of `progress.json`. `problem` says what of it is ignored or changed. A percentage
 * beyond 0 or 100 is that bound; the rest of a long message is cut off.
 */
export function parseProgress(text: string): { progress?: WorkerProgress; problem?: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: `is ignored: it is not JSON; ${right}` }
  }
  if (!isObject(value)) return { problem: `is ignored: it is no JSON object; ${right}` }
  const problems: string[] = []
  const percent = percentOf(value.percent, problems)
  const message = messageOf(value.message, problems)
  if (percent === undefined && message === undefined && problems.length === 0)
    problems.push(`is ignored: it has neither percent nor message; ${right}`)
  const progress = { ...(percent !== undefined && { percent }), ...(message !== undefined && { message }) }
  return {
    ...(Object.keys(progress).length > 0 && { progress }),
    ...(problems.length > 0 && { problem: problems.join(', and ') }),
  }
}

function percentOf(value: unknown, problems: string[]): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    problems.push('has a percent that is no number from 0 to 100, and it is ignored')
    return undefined
  }
  const bounded = Math.min(100, Math.max(0, value))
  if (bounded !== value) problems.push(`has the percent ${value}, shown as ${bounded}`)
  return bounded
}

function messageOf(value: unknown, problems: string[]): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') {
    problems.push('has a message that is no string, and it is ignored')
    return undefined
  }
  if (value.length <= longestMessage) return value
  problems.push(`has a message of more than ${longestMessage} characters, which is cut off`)
  return `${value.slice(0, longestMessage - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
