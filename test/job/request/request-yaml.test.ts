import { expect, test } from 'vitest'
import { parseRequestYaml } from '../../../src/job/request/request-yaml.ts'

const parse = (text: string) => parseRequestYaml(Buffer.from(text))

test('numbers and booleans of env are texts as they are written', () => {
  const env = 'env:\n  A: 1.10\n  B: 0x1F\n  C: True\n  D: 1e3\n  E: north\n  F: "2"\n  G: ~\n'
  expect(parse(`gpu: 1\n${env}`)).toEqual({
    gpu: 1,
    env: { A: '1.10', B: '0x1F', C: 'True', D: '1e3', E: 'north', F: '2', G: null },
  })
  expect(parse('datasets: [{id: a, env: {A: 7}}]')).toEqual({ datasets: [{ id: 'a', env: { A: '7' } }] })
})

test('a byte order mark does not matter', () => {
  expect(parse('\uFEFFgpu: 1\n')).toEqual({ gpu: 1 })
  expect(parse('')).toBeNull()
})

test('errors name the line', () => {
  expect(() => parse('a: 1\nb: [\n')).toThrow(/line/)
  expect(() => parseRequestYaml(Buffer.from('a: 1\nb: é\n', 'latin1'))).toThrow('is not UTF-8 in line 2')
})
