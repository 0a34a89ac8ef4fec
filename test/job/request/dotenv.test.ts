import { describe, expect, test } from 'vitest'
import { parseConfigData } from '../../../src/job/request/config-data.ts'
import { parseDotenv } from '../../../src/job/request/dotenv.ts'
import { Problem } from '../../../src/util/errors.ts'

type Variables = Record<string, string>

describe('a dotenv file', () => {
  test.each<[title: string, file: string, variables: Variables]>([
    ['a value of a space is empty, and the next variable stays', 'A= \nB=2\n', { A: '', B: '2' }],
    ['a value of a tab is empty', 'A=\t\nB=2\n', { A: '', B: '2' }],
    ['a blank value may end with CRLF', 'A= \r\nB=2\r\n', { A: '', B: '2' }],
    ['export and empty lines do not matter', 'export A= \n\nexport B=2\n', { A: '', B: '2' }],
    ['JSON stands in double quotes with escaped ones', 'J="{\\"a\\":\\"b\\"}"\n', { J: '{"a":"b"}' }],
    ['JSON stands in single quotes as it is', `J='{"a":"b"}'\n`, { J: '{"a":"b"}' }],
    ['JSON without quotes is a value too', 'J={"a":"b"}\n', { J: '{"a":"b"}' }],
    ['single quotes contain an escaped one', "J='it\\'s'\n", { J: "it's" }],
    ['a quote within a value needs no escape', "J=it's\n", { J: "it's" }],
    ['double quotes know line end, tab and backslash', 'J="a\\nb\\tc\\\\d"\n', { J: 'a\nb\tc\\d' }],
    ['an escaped backslash escapes nothing', 'J="a\\\\nb"\n', { J: 'a\\nb' }],
    ['double quotes know octal codes', 'J="\\0123 \\09 \\012"\n', { J: 'S \\09 \\012' }],
    ['unknown escapes stay', 'J="\\d\\c"\n', { J: '\\d\\c' }],
    ['single quotes know no other escape', "J='a\\nb\\\\'\n", { J: 'a\\nb\\\\' }],
    ['a value without quotes knows no escape', 'P=C:\\new\n', { P: 'C:\\new' }],
    ['double quotes contain line ends', 'K="one\ntwo"\nL=3\n', { K: 'one\ntwo', L: '3' }],
    ['single quotes contain line ends', "K='one\r\n\r\n#two' # end\r\nL=3\n", { K: 'one\n\n#two', L: '3' }],
    [
      'a key file stands in quotes',
      'K="-----BEGIN\nMIIE+/x==\n-----END"',
      { K: '-----BEGIN\nMIIE+/x==\n-----END' },
    ],
    ['a # within a value belongs to it', 'P=p@ss#word\nC=#FF0000\n', { P: 'p@ss#word', C: '#FF0000' }],
    [
      'a comment stands behind a space',
      'P=v # note\nQ="w" # note\nR="x"# note\n',
      { P: 'v', Q: 'w', R: 'x' },
    ],
    ['a comment may follow an empty value', 'P= # note\n', { P: '' }],
    ['a # in quotes is no comment', 'P="v # w"\n', { P: 'v # w' }],
    ['a value contains equals signs', 'A=B=C\n', { A: 'B=C' }],
    ['a colon separates too', 'A: 1\nU=http://x:80\n', { A: '1', U: 'http://x:80' }],
    [
      'nothing is interpolated',
      'A=$HOME\nB="${HOME}"\nC="\\$A"\nD=$$\n',
      { A: '$HOME', B: '${HOME}', C: '$A', D: '$$' },
    ],
    ['backticks are no quotes', 'A=`b`\n', { A: '`b`' }],
    ['spaces around name and value go', '  A =  b c  \n\t# note\n', { A: 'b c' }],
    ['export may be a name', 'export=1\nexporter=2\n', { export: '1', exporter: '2' }],
    ['a file of comments has no variable', '# all\n#A=1\n', {}],
    ['an empty file has no variable', '', {}],
    ['a byte order mark is no part of a name', '\uFEFFA=1\n', { A: '1' }],
    ['carriage returns end lines', 'A=1\rB=2\r', { A: '1', B: '2' }],
    ['line separators of Unicode end no line', 'A=1\u2028B=2\u0085C=3', { A: '1\u2028B=2\u0085C=3' }],
    ['of two values the last one counts', 'A=1\nA=2\n', { A: '2' }],
    ['the last line needs no end', 'A=1', { A: '1' }],
  ])('%s', (_, file, variables) => {
    expect(parseDotenv(Buffer.from(file), 'env_file')).toEqual(variables)
  })

  test.each<[title: string, file: string | Buffer, line: number, problem: string]>([
    ['text behind a closing quote', 'J="x"y\n', 1, 'has text behind the closing "'],
    ['a second variable behind a quote', "A=1\nJ='x' B=2\n", 2, "has text behind the closing '"],
    ['text behind a quote of several lines', 'A="1\n2"3\n', 2, 'has text behind the closing "'],
    ['a quote that is open at the end', 'A=1\nJ="x\nB=2\n', 2, 'opens a " that is never closed'],
    ['a quote that is closed by an escaped one', "J='x\\'\n", 1, "opens a ' that is never closed"],
    ['a key file without quotes', 'K=-----BEGIN\nMIIE+/x\nZm9v==\n-----END\n', 2, 'is not NAME=value'],
    ['the end of a key file without quotes', 'K=-----BEGIN\n-----END X-----\n', 2, 'is not NAME=value'],
    ['words', 'A=1\nnot a variable\n', 2, 'is not NAME=value'],
    ['words before an equals sign', 'A=1\n\n# note\nB C=2\n', 4, 'is not NAME=value'],
    ['a name alone', 'A=1\nPATH\n', 2, 'is not NAME=value'],
    ['an exported name alone', 'export A\n', 1, 'is not NAME=value'],
    ['a value without a name', '=1\n', 1, 'is not NAME=value'],
    ['a NUL', 'A=1\r\nB=\0\r\n', 2, 'contains a NUL character'],
    ['a line behind a value of several lines', 'A="1\r\n2"\r\nB\r\n', 3, 'is not NAME=value'],
  ])('is refused for %s, by its line', (_, file, line, problem) => {
    expect(problemOf(file)).toMatchObject({ field: 'env_file', problem: `line ${line} ${problem}` })
  })

  test('is refused for bytes that are not UTF-8, by their line', () => {
    const latin = Buffer.from('A=1\nB=é\n', 'latin1')
    expect(problemOf(latin)).toMatchObject({ problem: 'is not UTF-8 in line 2' })
  })

  test('is refused as UTF-16, which Windows PowerShell writes', () => {
    expect(problemOf(Buffer.from('\uFEFFA=1\r\n', 'utf16le'))).toMatchObject({ problem: 'is UTF-16' })
  })

  test('is refused without a word of it, which may be secret', () => {
    expect(() => parseDotenv(Buffer.from('secret text'), 'env_file')).not.toThrow(/secret/)
  })

  test('of a mebibyte is read in time that grows with its length alone, whatever it holds', () => {
    for (const part of ['A= ', ' ', '"', 'A="\\', "A='\n", '\\', 'export ', '# \n', 'A=1\n', '\t#']) {
      const began = performance.now()
      problemOf(part.repeat(Math.floor(2 ** 20 / part.length)))
      problemOf(`A="${part.repeat(Math.floor(2 ** 20 / part.length))}`)
      expect(performance.now() - began).toBeLessThan(15_000)
    }
  })
})

test('config_data is the same dialect', () => {
  const file = '# of the lab\nWORKER_IMAGE = "lab/image:1" # newest\r\nGPU: 2\n'
  expect(parseConfigData(Buffer.from(file))).toEqual({ image: 'lab/image:1', gpu: 2 })
  expect(() => parseConfigData(Buffer.from('GPU=1\nWORKER_IMAGE\n'))).toThrow(
    'config_data: line 2 is not NAME=value',
  )
})

function problemOf(file: string | Buffer): unknown {
  try {
    parseDotenv(Buffer.from(file), 'env_file')
    return undefined
  } catch (error) {
    return error instanceof Problem ? error.errors[0] : error
  }
}
