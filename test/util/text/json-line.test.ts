import { expect, test } from 'vitest'
import { jsonLine } from '../../../src/util/text/json-line.ts'

test('a line has none of the characters at which a client may split lines', () => {
  const everything = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('')
  const line = jsonLine({ everything })
  expect(JSON.parse(line)).toEqual({ everything })
  // Python: "".join(c for c in map(chr, range(0x110000)) if len(f"a{c}b".splitlines()) > 1)
  for (const end of '\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029') expect(line).not.toContain(end)
})
