/**
 * `{name}` in `args` stands for a parameter's value: alone, or behind the `=` of an option. Within
 * a longer text it is a fault: that may be a script, in which a value would be code.
 */
const placeOfParameter = /^(--?[\w-]+=)?\{([\w-]+)\}$/

/** The arguments with the values that parameters have; all else stays as it is. */
export function withArguments(
  args: readonly string[],
  values: Readonly<Record<string, string | number | boolean>>,
): string[] {
  return args.map((argument) => {
    const [, option = '', name = ''] = placeOfParameter.exec(argument) ?? []
    return Object.hasOwn(values, name) ? `${option}${values[name]}` : argument
  })
}

/** The parameters that arguments name. */
export function parametersIn(args: readonly string[], declared: readonly string[]): string[] {
  const named = args.map((argument) => placeOfParameter.exec(argument)?.[2])
  return declared.filter((name) => named.includes(name))
}

/** The places at which an argument names a parameter within a longer text. */
export function misplacedParameters(
  args: readonly string[],
  declared: readonly string[],
): { index: number; name: string }[] {
  return args.flatMap((argument, index) =>
    placeOfParameter.test(argument)
      ? []
      : declared.filter((name) => argument.includes(`{${name}}`)).map((name) => ({ index, name })),
  )
}

/**
 * The index of an argument that a program takes as code, as `sh -c` does; undefined if there is
 * none.
 */
export function codeArgument(command: readonly string[], args: readonly string[]): number | undefined {
  const words = [...command, ...args]
  const interpreter = words.findIndex((word) => interpreters.test(word.slice(word.lastIndexOf('/') + 1)))
  if (interpreter < 0) return undefined
  const flag = words.findIndex((word, at) => at > interpreter && codeFlag.test(word))
  return flag < command.length - 1 || flag < 0 ? undefined : flag + 1 - command.length
}

const interpreters = /^(?:(?:ba|da|a|k|z|fi)?sh|busybox|python[\d.]*|node|perl|ruby|Rscript|php)$/
const codeFlag = /^(?:-[a-z]*[ceEpr]|--eval|--print|--command)$/
