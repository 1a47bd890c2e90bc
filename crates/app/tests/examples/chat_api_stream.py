import aiohttp
import asyncio

async def stream_chat():
    url = "http://localhost:7001/v1/chat/stream"
    headers = {
        "Authorization": "Bearer YOUR_ACCESS_TOKEN",
        "Content-Type": "application/json"
    }
    data = {
        "model": "gpt-4",
        "messages": [
            {
                "role": "user",
                "content": "Tell me a story"
            }
        ]
    }
    
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=data, headers=headers) as response:
            async for line in response.content:
                if line.startswith(b'data: '):
                    content = line[6:].decode('utf-8').strip()
                    if content == "[DONE]":
                        break
                    print(content, end='', flush=True)

asyncio.run(stream_chat())
