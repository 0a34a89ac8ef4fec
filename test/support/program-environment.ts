import { defined } from '../../src/util/objects.ts'

/** What a program needs of this process's environment, and the cache of compiled modules. */
export function programEnvironment(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env
  return { PATH, ...defined({ NODE_COMPILE_CACHE }) }
}
