import { isRelativePath } from '../request/syntax.ts'

export const inputNameExpected = 'a file name of 1 to 255 bytes without "/", control characters, "." or ".."'

/** Why a text can't be a file's name in `/input`: one path component; undefined if it can. */
export function inputNameProblem(name: string): string | undefined {
  const shown = JSON.stringify(name.slice(0, 255))
  if (name === '' || name === '.' || name === '..' || name.includes('/') || Buffer.byteLength(name) > 255) {
    return `${shown} is not a safe file name`
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the check looks for them
  return /[\u0000-\u001f\u007f]/.test(name) ? `${shown} has control characters` : undefined
}

export const inputPathExpected =
  'a file name of 1 to 255 bytes, or such names with "/" between them, without control characters, "." or ".."'

/** Why a text can't be a file's path below `/input`; undefined if it can. */
export function inputPathProblem(path: string): string | undefined {
  if (!path.includes('/')) return inputNameProblem(path)
  return isRelativePath(path) ? undefined : `${JSON.stringify(path.slice(0, 255))} is not a safe path`
}
