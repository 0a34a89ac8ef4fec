import type { JobRequest } from '../../../job/request/request.ts'
import { isWithin } from '../../../job/request/syntax.ts'
import { type FieldError, invalidFields } from '../../../util/errors.ts'
import { paths } from '../names.ts'

/**
 * Throws a Problem `invalid-request` if one mount of the worker lies within another: it would hide
 * the other's files, or files written there would be missing from the results.
 */
export function checkMounts(request: Pick<JobRequest, 'result_directory' | 'volumes' | 'steps'>): void {
  const errors: FieldError[] = []
  const results = request.result_directory
  if (overlap(results, paths.inputs)) {
    errors.push({ field: 'result_directory', problem: 'overlaps /input', expected: 'a path of its own' })
  }
  if (request.steps && overlap(results, paths.scratch)) {
    errors.push({ field: 'result_directory', problem: 'overlaps /scratch', expected: 'a path of its own' })
  }
  const taken = [
    { path: results, name: `result_directory (${results})` },
    { path: paths.inputs, name: 'the inputs (/input)' },
    ...(request.steps ? [{ path: paths.scratch, name: "the steps' folder (/scratch)" }] : []),
  ]
  for (const [index, { mount_path: path }] of request.volumes.entries()) {
    const field = `volumes[${index}].mount_path`
    const other = taken.find((one) => overlap(path, one.path))
    if (other) errors.push({ field, problem: `overlaps ${other.name}`, expected: 'a path of its own' })
    taken.push({ path, name: field })
  }
  if (errors.length > 0) throw invalidFields(errors)
}

/**
 * Where the worker has JOBFERRY_DIRECTORY: /run/jobferry, where an image has no files of its own,
 * unless the request's own mounts need that path.
 */
export function wordPath(request: Pick<JobRequest, 'result_directory' | 'volumes'>): string {
  const taken = [request.result_directory, ...request.volumes.map(({ mount_path: path }) => path)]
  const free = (path: string) => !taken.some((other) => overlap(path, other))
  return ['/run/jobferry', '/.jobferry', '/jobferry', '/var/jobferry'].find(free) ?? '/run/jobferry'
}

function overlap(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a)
}
