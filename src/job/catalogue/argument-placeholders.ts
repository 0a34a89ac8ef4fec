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

/** The indices of the arguments that a program takes as code, as `sh -c` does, or may take so. */
export function codeArguments(command: readonly string[], args: readonly string[]): number[] {
  const words = [...command, ...args]
  const found = new Set(words.flatMap((_, at) => codeOf(words, at)))
  return [...found].map((at) => at - command.length).filter((index) => index >= 0)
}

const interpreters: { name: RegExp; flag: RegExp }[] = [
  { name: /^(?:ba|da|a|k|mk|z|fi|c|tc)?sh$/, flag: /^(?:-[A-Za-z]*c[A-Za-z]*|--command|--init-command)$/ },
  { name: /^(?:python|pypy)[\d.]*$/, flag: /^-[A-Za-z]*c$/ },
  {
    name: /^(?:node|nodejs|perl[\d.]*|ruby[\d.]*|Rscript|R|php[\d.]*|lua[\d.]*|julia)$/,
    flag: /^(?:-[\w.]*[ceEprRB]|--eval|--print|--import|--require)$/,
  },
]

/** What the interpreter at this place takes as code; none if there is no interpreter. */
function codeOf(words: readonly string[], place: number): number[] {
  const program = baseName(words[place] ?? '')
  const flag = interpreters.find(({ name }) => name.test(program))?.flag
  const options = words.slice(place + 1)
  // Behind a script's file, and behind `--`, all is the script's own.
  if (flag === undefined || !isOption(options[0] ?? '')) return []
  const end = options.indexOf('--')
  return (end === -1 ? options : options.slice(0, end)).flatMap((option, index) => {
    const [name = '', value] = option.split('=', 2)
    if (!flag.test(name)) return []
    const at = place + 1 + index
    return value === undefined ? upToOperand(words, at + 1) : [at]
  })
}

/** A shell takes the first operand behind all options: `bash -c -o errexit -- CODE`. */
function upToOperand(words: readonly string[], from: number): number[] {
  let at = from
  for (let word = words[at] ?? ''; isOption(word); word = words[at] ?? '') {
    at += /^[-+][A-Za-z]*[oO]$/.test(word) ? 2 : 1
    if (word === '--') break
  }
  return words.slice(from, at + 1).map((_, index) => from + index)
}

function isOption(word: string): boolean {
  return /^[-+]./.test(word)
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
