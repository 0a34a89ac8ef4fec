const placeholder = /\$\{(\w+)\}/g

/** The text with each `${name}` replaced by its value. */
export function fillIn(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replace(placeholder, (_, name: string) => values[name] ?? '')
}

/** The placeholders in a text that have no value. */
export function unknownPlaceholders(text: string, known: readonly string[]): string[] {
  return Array.from(text.matchAll(placeholder), ([, name = '']) => name).filter(
    (name) => !known.includes(name),
  )
}
