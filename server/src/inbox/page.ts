export const inboxPage = { headers: { 'content-type': 'text/html; charset=utf-8' }, html: '<!doctype html>' }
