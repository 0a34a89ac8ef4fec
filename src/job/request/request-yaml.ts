import { isMap, isPair, isScalar, type Pair, parseDocument, visit } from 'yaml'
import { utf8Text } from '../../util/text/utf8-text.ts'

/**
 * The value of a YAML text. In each `env`, numbers and booleans become the text as it is written:
 * YAML makes 1.1 of the version 1.10. Throws an Error or Problem that names the line.
 */
export function parseRequestYaml(bytes: Uint8Array): unknown {
  const document = parseDocument(utf8Text(bytes, 'file', 'YAML'))
  const [error] = document.errors
  if (error !== undefined) throw error
  visit(document, {
    Pair: (_, pair, above) => {
      if (!isParameter(above)) keepTexts(pair)
    },
  })
  return document.toJS() as unknown
}

/** A parameter may have the name `env`, which stands for no variables then. */
function isParameter(above: readonly unknown[]): boolean {
  const parent = above.findLast((node) => isPair(node))
  return isPair(parent) && isScalar(parent.key) && parent.key.value === 'parameters'
}

function keepTexts({ key, value: variables }: Pair): void {
  if (!isScalar(key) || key.value !== 'env' || !isMap(variables)) return
  for (const { value } of variables.items) {
    const isPlain = isScalar(value) && ['number', 'boolean'].includes(typeof value.value)
    if (isPlain && value.source !== undefined) value.value = value.source
  }
}
