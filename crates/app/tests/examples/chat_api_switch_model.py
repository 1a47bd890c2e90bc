import aiohttp
import asyncio

async def switch_model():
    url = "http://localhost:7001/v1/chat/switch-model"
    headers = {
        "Authorization": "Bearer YOUR_ACCESS_TOKEN",
        "Content-Type": "application/json"
    }
    data = {
        "session_id": 123,
        "model": "gpt-3.5-turbo"
    }
    
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=data, headers=headers) as response:
            return await response.json()

asyncio.run(switch_model())
