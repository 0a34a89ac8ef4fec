import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export const root = join(import.meta.dirname, '../..')

const documentFiles = globSync(['*.md', '{docs,test,manifests}/**/*.md'], { cwd: root })
const sourceFiles = globSync('{src,sidecar}/**/*.ts', { cwd: root })

const repositoryPath = /(?<![\w/.-])(?:src|sidecar|test|docs|manifests|\.ci)\/[\w./-]*[\w/]/g
const link = /\]\(([^)\s]+)\)/g
const heading = /^#+ (.+)$/gm

/** `file: target` of each relative link in a document that leads to no file or to no heading. */
export function brokenLinks(): string[] {
  return documentFiles.flatMap((file) =>
    [...read(file).matchAll(link)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(file, target))
      .map((target) => `${file}: ${target}`),
  )
}

/**
 * `file: path` of each path of this repository, named by a document or a source's comment, that
 * doesn't exist.
 */
export function missingPaths(): string[] {
  const documents = documentFiles.filter((file) => file !== 'CHANGELOG.md')
  const texts = [
    ...documents.map((file) => ({ file, text: read(file) })),
    ...sourceFiles.map((file) => ({ file, text: commentsOf(read(file)) })),
  ]
  return texts.flatMap(({ file, text }) =>
    [...text.matchAll(repositoryPath)]
      .map(([path]) => path)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${file}: ${path}`),
  )
}

function leadsSomewhere(file: string, target: string): boolean {
  const [path = '', fragment] = target.split('#')
  const linked = path === '' ? file : relative(root, join(root, dirname(file), path))
  if (!existsSync(join(root, linked))) return false
  return (
    fragment === undefined || [...read(linked).matchAll(heading)].some(([, text]) => slug(text) === fragment)
  )
}

/** GitHub's anchor of a heading. */
function slug(text = ''): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function commentsOf(source: string): string {
  return (source.match(/\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/.*/g) ?? []).join('\n')
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
