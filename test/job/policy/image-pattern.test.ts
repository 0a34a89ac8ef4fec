import { expect, it } from 'vitest'
import { matchesImage } from '../../../src/job/policy/image-pattern.ts'

const digest = `sha256:${'a'.repeat(64)}`

it.each([
  ['*', 'anything/at:all'],
  ['python', 'python'],
  ['python', 'python:3.12'],
  ['python', `python@${digest}`],
  ['python:3.*', 'python:3.12'],
  ['library/python', 'docker.io/library/python:3'],
  ['docker.io/library/*', 'python'],
  ['docker.io/*', 'index.docker.io/team/app:1'],
  ['registry.example/*', 'registry.example/team/app:1'],
  ['registry.example/*', 'Registry.Example/team/app:1'],
  ['registry.example:5000/team/*', `registry.example:5000/team/app@${digest}`],
  ['*.example.org/*', 'a.example.org/x'],
  ['localhost/*', 'localhost/x:1'],
  ['team/app:latest', 'team/app'],
])('%s matches %s', (pattern, image) => {
  expect(matchesImage(image, pattern)).toBe(true)
})

it.each([
  ['python', 'evil.example/python'],
  ['python', 'pythonic'],
  ['python', 'python/x'],
  ['registry.example/*', 'registry.example.evil.org/app'],
  ['registry.example/*', 'evil.org/registry.example/app'],
  ['registry.example/*', 'registry.example:5000/app'],
  ['*.example.org/*', 'evil.org/a.example.org/x'],
  ['registry.example/team/*', 'registry.example/other/team/app'],
  ['registry.example/team/app', 'registry.example/team/app-evil:1'],
  ['team/app:1', 'team/app:12'],
  ['team/app:1', `team/app:1@${digest}`],
  ['team/app:1.*', `team/app:1.0@${digest}`],
])('%s does not match %s', (pattern, image) => {
  expect(matchesImage(image, pattern)).toBe(false)
})
