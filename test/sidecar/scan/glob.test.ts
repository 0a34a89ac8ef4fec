import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toBytePath } from '../../../sidecar/scan/byte-path.ts'
import { Directory } from '../../../sidecar/scan/directory.ts'
import { globOf, globText } from '../../../sidecar/scan/glob.ts'
import { outputFilter } from '../../../sidecar/scan/output-filter.ts'
import { walk } from '../../../sidecar/scan/walk.ts'
import type { UploaderRules } from '../../../src/job/outputs/output-rules.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'

const files = [
  '.hidden/x.csv',
  'a.csv',
  'a.txt',
  'data/.csv',
  'data/a.csv',
  'data/deep/b.csv',
  'data/deep/{a,b}',
  'data/x/y/z',
  'report',
  'tmp/data/a',
  'tmp/report/c',
  'ü/+(a)',
  '[b',
  'star*',
  '#c',
  '!n',
]

function tree(): string {
  const root = temporaryFolder()
  for (const path of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '')
  }
  return root
}

function walked(root: string, rules: UploaderRules, type?: 'file'): string[] {
  const directory = Directory.open(root)
  const found = [...walk(directory, outputFilter(rules))]
  directory.close()
  return found
    .filter((one) => type === undefined || one.type === type)
    .map(({ path }) => Buffer.from(path, 'latin1').toString())
}

const patterns = [
  ...[
    '*',
    '*.csv',
    '**/*.csv',
    '/*.csv',
    'data/*.csv',
    'data/**/*.csv',
    'data/',
    'data',
    '/data',
    'tmp/data',
  ],
  ...['report', 'report/', '/report', 'data/**', '**/deep', '**/deep/**', 'a.???', '[ab].csv', '[!a].csv'],
  ...['{a,b}', '+(a)', 'star\\*', '\\#c', '\\!n', '*/', '.hidden', 'ü', 'data/*/b.csv', 'data/*/*/z'],
]

describe('a pattern', () => {
  it.each(patterns)('%s excludes the files that Git ignores by it', (pattern) => {
    const root = tree()
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', root, '-c', 'core.quotePath=false', ...args]).toString()
    git('init', '-q')
    writeFileSync(join(root, '.git', 'info', 'exclude'), `${pattern}\n`)
    const kept = git('ls-files', '--others', '--exclude-standard', '-z').split('\0').filter(Boolean)
    expect(walked(root, { exclude: [pattern, '/.git/'] }, 'file').toSorted()).toEqual(kept.toSorted())
    const included = walked(root, { include: [pattern], exclude: ['/.git/'] }, 'file')
    expect([...included, ...kept].toSorted()).toEqual(files.toSorted())
  })

  it('takes a wrong byte of a name for U+FFFD', () => {
    const path = globText(toBytePath(Buffer.from([0x61, 0xff, 0x2e, 0x62])))
    expect(['a?.b', '*.b', 'a\uFFFD.b'].map((pattern) => globOf(pattern)(path, false))).toEqual([
      true,
      true,
      true,
    ])
  })

  it.each(['**/a/**/a/**/a/**/b', 'b*a*a*a*a*a*b', '**/*a*/**/*a*/**/*a*/b'])(
    '%s takes no long time for a path that nearly matches',
    (pattern) => {
      const matches = globOf(pattern)
      const began = performance.now()
      matches(`b/${'a/'.repeat(1000)}c`, false)
      matches(`b${'a'.repeat(254)}`, false)
      expect(performance.now() - began).toBeLessThan(5000)
    },
  )
})

describe('a filter', () => {
  it('keeps folders that match or lie below a match, and no others', () => {
    expect(walked(tree(), { include: ['/data/'], exclude: ['deep'] })).toEqual([
      'data',
      'data/.csv',
      'data/a.csv',
      'data/x',
      'data/x/y',
      'data/x/y/z',
    ])
    expect(walked(tree(), { include: ['z'] })).toEqual(['data/x/y/z'])
  })
})
