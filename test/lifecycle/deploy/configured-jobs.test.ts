import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type LoadedJobs, loadConfiguredJobs } from '../../../src/lifecycle/deploy/configured-jobs.ts'
import { createLog } from '../../../src/util/log.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { eventually } from '../../support/time/eventually.ts'

const own = join(import.meta.dirname, '../../../manifests/jobs')

describe('configured jobs', () => {
  it("are the YAML files of a folder, with the files' names", async () => {
    const folder = await folderWith({
      'first.yaml': 'image: example/first\nenv: {A: "1"}\n',
      'second.yaml': 'command: [sh, -c]\nargs:\n  - |\n    echo one\n    echo two\n',
      'README.md': '# Jobs',
      '.first.yaml.swp': 'no YAML: [',
    })
    const jobs = await load(folder)
    expect(jobs.names()).toEqual(['first', 'second'])
    expect(jobs.get('first')).toMatchObject({ job: 'first', image: 'example/first', env: { A: '1' } })
    expect(jobs.get('second')?.args).toEqual(['echo one\necho two\n'])
    expect(jobs.get('third')).toBeUndefined()
    expect(jobs.get('../first')).toBeUndefined()
  })

  it('may end with .yml; of two files of one name the one in .yaml counts', async () => {
    const folder = await folderWith({
      'train.yml': 'image: x:1\n',
      'both.yml': 'image: wrong\n',
      'both.yaml': 'image: right\n',
    })
    const jobs = await load(folder)
    expect(jobs.names()).toEqual(['both', 'train'])
    expect(jobs.get('both')?.image).toBe('right')
  })

  it.each([
    ['a field that is unknown', 'image: x\ncolour: red\n', 'colour'],
    ['a field of a wrong type', 'image: x\nretries: many\n', 'retries'],
    ['a variable that is no text', 'env: {A: [1]}\n', 'env'],
    ['a field for callers alone', 'job: other\n', 'job'],
    ['a list', '- image: x\n', 'object'],
    ['nothing', '# nothing yet\n', 'object'],
    ['a key twice', 'image: x\nimage: y\n', 'line 2'],
    ['no YAML', 'image: [x\n', 'line 2'],
  ])('refuse %s, with the file and what is wrong', async (_, yaml, what) => {
    const folder = await folderWith({ 'wrong.yaml': yaml, 'right.yaml': 'image: x\n' })
    const error: unknown = await loadConfiguredJobs(folder, createLog('test', 'silent')).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toContain(join(folder, 'wrong.yaml'))
    expect(String(error)).toContain(what)
    expect(String(error)).not.toContain('right.yaml')
  })

  it('refuse a file whose name is not a valid job name', async () => {
    const folder = await folderWith({ 'No_Name.yaml': 'image: x\n' })
    await expect(loadConfiguredJobs(folder, createLog('test', 'silent'))).rejects.toThrow(
      /No_Name\.yaml: job: is the file's name, which is no name of a job; expected at most 63 lower-case/,
    )
  })

  it('name once what else lies in the folder', async () => {
    const folder = await folderWith({ 'train.json': '{}', 'notes.md': '', 'run.yaml': 'image: x\n' })
    await mkdir(join(folder, 'more.yaml'))
    const lines: string[] = []
    const jobs = await loadConfiguredJobs(folder, pino({}, { write: (line) => lines.push(line) }))
    onTestFinished(() => jobs.close())
    await writeFile(join(folder, 'run.yaml'), 'image: y\n')
    await eventually(() => expect(jobs.get('run')?.image).toBe('y'))
    expect(lines.filter((line) => line.includes('train.json')).map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        directory: folder,
        files: ['more.yaml', 'notes.md', 'train.json'],
        count: 3,
      }),
    ])
  })

  it('follow changes; a job whose file becomes wrong stays as it was', async () => {
    const folder = await folderWith({ 'one.yaml': 'image: x:1\n', 'two.yaml': 'image: y:1\n' })
    const jobs = await load(folder)
    await writeFile(join(folder, 'one.yaml'), 'image: x:2\n')
    await writeFile(join(folder, 'two.yaml'), 'image: [\n')
    await writeFile(join(folder, 'three.yaml'), 'image: z:1\n')
    await eventually(() => expect(jobs.names()).toEqual(['one', 'three', 'two']))
    expect(jobs.get('one')?.image).toBe('x:2')
    expect(jobs.get('two')?.image).toBe('y:1')
    await rm(join(folder, 'three.yaml'))
    await eventually(() => expect(jobs.names()).toEqual(['one', 'two']))
  })

  it('follow a mounted ConfigMap, whose files are links through ..data', async () => {
    const folder = await folderWith({})
    await version(folder, '..2026_01', 'image: x:1\n')
    await symlink('..2026_01', join(folder, '..data'))
    await symlink('..data/one.yaml', join(folder, 'one.yaml'))
    const jobs = await load(folder)
    expect(jobs.names()).toEqual(['one'])

    await version(folder, '..2026_02', 'image: x:2\n')
    await symlink('..2026_02', join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    await rm(join(folder, '..2026_01'), { recursive: true })
    await eventually(() => expect(jobs.get('one')?.image).toBe('x:2'))
    expect(jobs.names()).toEqual(['one'])
  })

  it('are none if the folder does not exist', async () => {
    const jobs = await load(join(await folderWith({}), 'absent'))
    expect(jobs.names()).toEqual([])
  })
})

describe("the project's own configured jobs", () => {
  it("name no image, so that they run in the project's image and as plain processes", async () => {
    const jobs = await load(own)
    expect(jobs.names()).toEqual(['default', 'pipeline', 'showcase'])
    for (const name of jobs.names()) {
      expect(jobs.get(name)?.image).toBeUndefined()
      expect(jobs.get(name)?.command?.[0]).toBe('node')
    }
    expect(jobs.get('default')?.demo_file).toBe('hello.txt')
  })
})

async function load(folder: string): Promise<LoadedJobs> {
  const jobs = await loadConfiguredJobs(folder, createLog('test', 'silent'))
  onTestFinished(() => jobs.close())
  return jobs
}

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

async function version(folder: string, name: string, yaml: string): Promise<void> {
  await mkdir(join(folder, name))
  await writeFile(join(folder, name, 'one.yaml'), yaml)
}
