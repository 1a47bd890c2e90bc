import aiohttp
import asyncio
from datetime import datetime, timedelta

async def get_chat_history():
    url = "http://localhost:7001/v1/chat/history"
    headers = {
        "Authorization": "Bearer YOUR_ACCESS_TOKEN"
    }
    params = {
        "page": 1,
        "page_size": 10,
        "start_date": (datetime.utcnow() - timedelta(days=7)).isoformat(),
        "model": "gpt-4"
    }
    
    async with aiohttp.ClientSession() as session:
        async with session.get(url, params=params, headers=headers) as response:
            return await response.json()

asyncio.run(get_chat_history())
