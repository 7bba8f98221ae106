// Follows the theme of the system, and fills in Authorize, so that a call needs no copying: the application that the server offers (nothing in production),
// and the token of whoever signs in on this page. Swagger UI takes such hooks only while it is made.

const dark = matchMedia('(prefers-color-scheme: dark)')
const followTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', followTheme)
followTheme()

const presets = new URL('../../presets.json', document.currentScript.src)
const makeExplorer = window.SwaggerUIBundle

const make = (config) => {
  const onComplete = async () => {
    const { applicationId } = await (await fetch(presets)).json()
    if (applicationId !== undefined) explorer.preauthorizeApiKey('application', applicationId)
  }
  const responseInterceptor = (response) => {
    const token = response.body?.data?.access_token
    if (new URL(response.url).pathname.endsWith('/api/v3/signin') && typeof token === 'string') {
      explorer.preauthorizeApiKey('user', token)
    }
    return response
  }
  const explorer = makeExplorer({ ...config, onComplete, responseInterceptor })
  return explorer
}

window.SwaggerUIBundle = Object.assign(make, makeExplorer)
