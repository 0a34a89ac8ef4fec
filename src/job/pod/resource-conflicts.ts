import type { FieldError } from '../../util/errors.ts'
import { quantityValue } from '../request/quantity.ts'
import type { JobRequest } from '../request/request.ts'
import { type Programs, stepsOf } from '../steps/effective-steps.ts'

type Resources = Programs & Pick<Partial<JobRequest>, 'shared_memory'>

/** The requests of `cpu_request` and `memory_request`, each with the field of its limit. */
export const limitOf = { cpu_request: 'cpu', memory_request: 'memory' } as const

/**
 * Where a request asks for more than its own limits. An operator's policy may have given those that
 * the caller left out.
 */
export function* resourceConflicts(request: Resources): Generator<FieldError> {
  const steps = stepsOf(request)
  const programs = [
    ...(request.steps === undefined ? [{ at: '', program: request }] : []),
    ...steps.map((program, index) => ({ at: `steps[${index}].`, program })),
  ]
  for (const [index, { at, program }] of programs.entries()) {
    for (const field of ['cpu_request', 'memory_request'] as const) {
      const [asked, limit] = [program[field], program[limitOf[field]]]
      if (asked === undefined || limit === undefined || quantityValue(asked) <= quantityValue(limit)) continue
      const isOwn = request.steps?.[index]?.[field] !== undefined
      // One that stands beside `steps` is named once.
      if (!isOwn && index > 0) continue
      const problem = `is more than \`${limitOf[field]}\``
      yield { field: isOwn ? `${at}${field}` : field, problem, expected: `at most ${limit}, the limit` }
    }
  }
  yield* sharedMemoryConflict(
    request,
    programs.map(({ program }) => program.memory),
  )
}

/** What lies in it counts as memory of the program that wrote it. */
function* sharedMemoryConflict(
  { shared_memory: size }: Resources,
  memory: readonly (string | undefined)[],
): Generator<FieldError> {
  const limits = memory.filter((one) => one !== undefined)
  if (size === undefined || limits.length < memory.length) return
  const most = limits.toSorted((a, b) => quantityValue(a) - quantityValue(b)).at(-1)
  if (most === undefined || quantityValue(size) <= quantityValue(most)) return
  const expected = `at most ${most}: what lies in /dev/shm counts as memory`
  yield { field: 'shared_memory', problem: 'is more than `memory`', expected }
}
