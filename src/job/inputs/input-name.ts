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
